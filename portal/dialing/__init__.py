"""The engine: numbers, variables, dial URLs and CTI handlers; knows no request and no database."""
