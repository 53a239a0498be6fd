//! Bytes ↔ values: every packet alived sends or reads. Knows no state machine and no socket.

pub mod ipvs;
