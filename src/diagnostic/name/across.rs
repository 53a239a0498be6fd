//! The names of what is found only when the configurations of several nodes are laid side by side.

use super::Name;

names! {
    /// Every name of what `check --peers` can find between files.
    NAMES_ACROSS_NODES:
    /// One virtual router has two ids: each node hears only itself.
    VRID_MISMATCH = "vrid-mismatch";
    /// One node speaks VRRPv2, another VRRPv3.
    VERSION_MISMATCH = "version-mismatch";
    /// The nodes advertise at different intervals.
    INTERVAL_MISMATCH = "interval-mismatch";
    /// The nodes authenticate differently.
    AUTHENTICATION_MISMATCH = "authentication-mismatch";
    /// One node uses multicast, another unicast.
    TRANSPORT_MISMATCH = "transport-mismatch";
    /// A node sends from an address that another does not list in `unicast_peer`.
    PEER_NOT_LISTED = "peer-not-listed";
    /// A node sends to an address that none of the others has.
    UNKNOWN_PEER = "unknown-peer";
    /// The nodes hold different virtual addresses.
    ADDRESS_MISMATCH = "address-mismatch";
    /// The nodes list the same virtual addresses in another order.
    ADDRESS_ORDER = "address-order";
    /// Two nodes have the same priority.
    EQUAL_PRIORITY = "equal-priority";
    /// The `state` lines contradict each other or the priorities.
    STATE_MISMATCH = "state-mismatch";
    /// A virtual router that only one node has.
    LONE_INSTANCE = "lone-instance";
    /// A single failure after which nobody, or more than one node, holds the addresses.
    FAILURE_NOT_COVERED = "failure-not-covered";
}
