"""Logging and metrics, made once for each function."""

from aws_lambda_powertools import Logger, Metrics

logger = Logger()
metrics = Metrics()
