"""The only package that speaks HTTP outwards: a store, a marketplace, and what their calls share."""
