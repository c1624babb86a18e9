//! Makes a process of the pure engine: clock, threads, gateway, drivers.
