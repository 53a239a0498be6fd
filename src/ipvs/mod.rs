//! The IPVS table that is wanted, the one that is there, and the changes between them. Pure.
