"""Work on somebody's data that takes a while: erasures, exports, changes of keys, departures."""
