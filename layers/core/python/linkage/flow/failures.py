"""What may go wrong with one of many without being wrong with the others.

Whoever works through a list reports these and goes on; anything else is an error of the code.
"""

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from linkage.errors import LinkageError

type Failure = LinkageError | ClientError | BotoCoreError | PynamoDBException
FAILURES = (LinkageError, ClientError, BotoCoreError, PynamoDBException)
