"""Wire types between rooms: frozen msgspec Structs, additive only. No I/O, no vendor imports."""
