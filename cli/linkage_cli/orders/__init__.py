"""`linkage orders import`: a shop's export, read whole, shown, and reported through the API."""
