"""Outside systems on loopback, one module or package per vendor: real HTTP servers of the documented wire format."""
