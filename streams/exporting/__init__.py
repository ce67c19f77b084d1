"""Tables of what the topics hold, as CSV or Parquet: for notebooks, warehouses and spreadsheets."""
