"""What a month of the network costs on AWS, from list prices and counted units."""

from linkage_cli.cost.model import Bill, Line, Month, Prices, Units, bill, lines_of

__all__ = ["Bill", "Line", "Month", "Prices", "Units", "bill", "lines_of"]
