//! Every decision of the proxy. No clock, no entropy of its own, no socket, no log, no static.
