"""The ground floor: the only code that talks to the outside. Start with `connectors.tables` and `connectors.stores`."""
