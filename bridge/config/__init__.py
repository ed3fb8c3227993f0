"""How settings are read, checked, told about and documented. What there is to set stands in bridge/settings.py."""
