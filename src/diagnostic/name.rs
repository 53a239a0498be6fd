//! The names of all patterns that are reported: stable, so that filters and documentation can rely on them.

use std::fmt;

/// The name of a pattern, in kebab-case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(&'static str);

impl Name {
    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

macro_rules! names {
    ($(#[$list_doc:meta])* $list:ident: $($(#[$doc:meta])* $constant:ident = $name:literal;)*) => {
        impl Name {
            $($(#[$doc])* pub const $constant: Name = Name($name);)*
        }

        $(#[$list_doc])*
        pub const $list: &[Name] = &[$(Name::$constant),*];
    };
}

mod across;

pub use across::NAMES_ACROSS_NODES;

names! {
    /// Every name of what can be found in one configuration.
    ALL_NAMES:
    /// A configuration file cannot be read.
    UNREADABLE_FILE = "unreadable-file";
    /// A configuration file is not text.
    NOT_TEXT = "not-text";
    /// A pattern for the configuration file matches several.
    SEVERAL_FILES = "several-files";
    /// The file begins with a UTF-8 byte order mark.
    BYTE_ORDER_MARK = "byte-order-mark";
    /// A NUL byte hides the rest of a line.
    NUL_BYTE = "nul-byte";
    /// A line is longer than keepalived reads at once.
    LONG_LINE = "long-line";
    /// A `"` without a second one on its line.
    UNTERMINATED_QUOTE = "unterminated-quote";
    /// A `}` that closes nothing.
    EXTRA_BRACE = "extra-brace";
    /// A `{` that is never closed.
    UNCLOSED_BLOCK = "unclosed-block";
    /// A `{` where no block begins.
    UNEXPECTED_BRACE = "unexpected-brace";
    /// A block after something that takes none.
    UNEXPECTED_BLOCK = "unexpected-block";
    /// A block keyword without its block.
    MISSING_BRACE = "missing-brace";
    /// An `include` of something that is not there.
    INCLUDE_NOT_FOUND = "include-not-found";
    /// An `include` of something that is no configuration file.
    INCLUDE_NOT_READABLE = "include-not-readable";
    /// A file that includes itself.
    INCLUDE_LOOP = "include-loop";
    /// An `include` behind `@id`, which keepalived reads twice.
    INCLUDED_TWICE = "included-twice";
    /// Definitions that refer to each other without end.
    DEFINITION_LOOP = "definition-loop";
    /// A `~SEQ` or `~LST` that makes no sense.
    INVALID_SEQUENCE = "invalid-sequence";
    /// Definitions or sequences that make a line, or the text, too long.
    EXPANSION_TOO_LONG = "expansion-too-long";
    /// A keyword that the block does not know.
    UNKNOWN_KEYWORD = "unknown-keyword";
    /// A block that the block around it does not know.
    UNKNOWN_BLOCK = "unknown-block";
    /// A keyword that keepalived no longer knows.
    REMOVED_KEYWORD = "removed-keyword";
    /// A keyword that keepalived 2.2.7 does not know yet.
    NEWER_KEYWORD = "newer-keyword";
    /// A keyword that keepalived recommends to replace.
    DEPRECATED_KEYWORD = "deprecated-keyword";
    /// A keyword with a new name.
    RENAMED_KEYWORD = "renamed-keyword";
    /// Something that must not be left out, and is not supported yet.
    NOT_YET_SUPPORTED = "not-yet-supported";
    /// A keyword of which nothing comes yet.
    NOT_YET_EFFECTIVE = "not-yet-effective";
    /// A keyword without effect, in keepalived neither.
    NO_EFFECT = "no-effect";
    /// A keyword without the value it needs.
    MISSING_VALUE = "missing-value";
    /// Words where none belong.
    EXTRA_WORDS = "extra-words";
    /// A word that is no option of its line.
    UNKNOWN_OPTION = "unknown-option";
    /// A second one of a keyword that may stand only once.
    SECOND_IGNORED = "second-ignored";
    /// A number that is none.
    INVALID_NUMBER = "invalid-number";
    /// A number that is too small or too large.
    NUMBER_OUT_OF_RANGE = "number-out-of-range";
    /// A fraction with more places than are counted.
    TOO_MANY_DECIMALS = "too-many-decimals";
    /// A word that is none of those that may stand there.
    INVALID_VALUE = "invalid-value";
    /// An IP address that is none.
    INVALID_ADDRESS = "invalid-address";
    /// A name that no interface can have.
    INVALID_INTERFACE = "invalid-interface";
    /// A block that holds nothing.
    EMPTY_BLOCK = "empty-block";
    /// A host name without an address.
    UNKNOWN_HOST = "unknown-host";
    /// A user or group that does not exist.
    UNKNOWN_USER = "unknown-user";
    /// A `state` that is neither MASTER nor BACKUP.
    UNKNOWN_STATE = "unknown-state";
    /// BACKUP after MASTER.
    CONFLICTING_STATE = "conflicting-state";
    /// An `auth_pass` of more than eight characters.
    LONG_PASSWORD = "long-password";
    /// `auth_type` without `auth_pass`.
    MISSING_PASSWORD = "missing-password";
    /// An instance without `virtual_router_id`.
    MISSING_VRID = "missing-vrid";
    /// An instance without `interface`.
    MISSING_INTERFACE = "missing-interface";
    /// An interface that the machine does not have.
    UNKNOWN_INTERFACE = "unknown-interface";
    /// An instance on a loopback interface.
    LOOPBACK_INTERFACE = "loopback-interface";
    /// Two instances with one id on one interface.
    DUPLICATE_VRID = "duplicate-vrid";
    /// Two instances with one name.
    DUPLICATE_INSTANCE = "duplicate-instance";
    /// An instance without a virtual address.
    NO_VIRTUAL_ADDRESS = "no-virtual-address";
    /// More virtual addresses than an advert holds.
    TOO_MANY_ADDRESSES = "too-many-addresses";
    /// IPv4 and IPv6 where only one of them can be.
    ADDRESS_FAMILY_MISMATCH = "address-family-mismatch";
    /// An `advert_int` that falls between what the version can express.
    FRACTIONAL_INTERVAL = "fractional-interval";
    /// An `advert_int` beyond what VRRPv3 can express.
    INTERVAL_TOO_LONG = "interval-too-long";
    /// `authentication` with VRRPv3.
    AUTHENTICATION_IGNORED = "authentication-ignored";
    /// `nopreempt` with `state MASTER`.
    NOPREEMPT_WITH_MASTER = "nopreempt-with-master";
    /// `nopreempt` with priority 255.
    NOPREEMPT_WITH_OWNER = "nopreempt-with-owner";
    /// Unicast without a peer.
    UNICAST_WITHOUT_PEERS = "unicast-without-peers";
    /// A tracked script that is not defined above.
    UNKNOWN_SCRIPT = "unknown-script";
    /// A script that an instance tracks twice.
    TRACKED_TWICE = "tracked-twice";
    /// A weight where the priority is 255.
    WEIGHT_OF_OWNER = "weight-of-owner";
    /// An address label of more than 15 characters.
    LABEL_TOO_LONG = "label-too-long";
    /// Two `vrrp_script` blocks with one name.
    DUPLICATE_SCRIPT = "duplicate-script";
    /// A `vrrp_script` without `script`.
    SCRIPT_NOT_SET = "script-not-set";
    /// A script that does not exist.
    SCRIPT_NOT_FOUND = "script-not-found";
    /// A script that cannot be executed.
    SCRIPT_NOT_EXECUTABLE = "script-not-executable";
    /// A script that somebody else than root could change.
    SCRIPT_INSECURE = "script-insecure";
    /// Scripts exist and `enable_script_security` is not set: keepalived answers 6.
    SCRIPT_SECURITY = "script-security";
    /// Settings that exclude each other, or need each other.
    INCOMPATIBLE_SETTINGS = "incompatible-settings";
    /// The name of something that is not defined.
    UNKNOWN_REFERENCE = "unknown-reference";
    /// Two blocks with one name.
    DUPLICATE_NAME = "duplicate-name";
    /// A block without the line that gives it a meaning.
    INCOMPLETE_BLOCK = "incomplete-block";
    /// A sync group whose members cannot move together.
    SYNC_GROUP_MEMBERS = "sync-group-members";
    /// A quorum or a hysteresis that the real servers cannot reach.
    QUORUM_OUT_OF_REACH = "quorum-out-of-reach";
    /// A virtual or real server without a usable address, port or mark.
    INVALID_SERVER = "invalid-server";
    /// A virtual server without a real server.
    NO_REAL_SERVER = "no-real-server";
    /// A protocol for a firewall mark.
    FWMARK_PROTOCOL = "fwmark-protocol";
    /// A virtual server that leaves out what it should say.
    DEFAULT_USED = "default-used";
    /// A virtual server for all ports without persistence.
    ZERO_PORT = "zero-port";
    /// Two virtual servers with one key.
    DUPLICATE_VIRTUAL_SERVER = "duplicate-virtual-server";
    /// Two real servers with one address and port.
    DUPLICATE_REAL_SERVER = "duplicate-real-server";
    /// A port that DR or TUN cannot change to.
    PORT_RESET = "port-reset";
    /// `HTTP_GET` without a `url`.
    NO_URL = "no-url";
    /// A `url` without `path`.
    URL_WITHOUT_PATH = "url-without-path";
    /// An address that an instance lists twice.
    DUPLICATE_ADDRESS = "duplicate-address";
    /// A character that only looks like another.
    LOOK_ALIKE = "look-alike";
    /// `auth_pass` without `auth_type`.
    PASSWORD_WITHOUT_TYPE = "password-without-type";
    /// Scripts without `enable_script_security`.
    SCRIPTS_WITHOUT_SECURITY = "scripts-without-security";
    /// A value copied from a tutorial.
    TUTORIAL_DEFAULT = "tutorial-default";
    /// A `vrrp_script` that no instance tracks.
    UNUSED_SCRIPT = "unused-script";
    /// A virtual address without a prefix length.
    VIP_WITHOUT_PREFIX = "vip-without-prefix";
    /// A weight too small to move the addresses to the other node.
    WEIGHT_CANNOT_MOVE_VIP = "weight-cannot-move-vip";
    /// An address that two instances hold.
    ADDRESS_IN_TWO_INSTANCES = "address-in-two-instances";
    /// A virtual address that no host can have.
    VIP_NOT_A_HOST = "vip-not-a-host";
    /// A unicast peer that is the node itself.
    PEER_IS_SELF = "peer-is-self";
    /// A unicast peer that is a virtual address.
    PEER_IS_VIP = "peer-is-vip";
    /// A unicast peer with a prefix length.
    PEER_WITH_PREFIX = "peer-with-prefix";
    /// A unicast peer that is listed twice.
    DUPLICATE_PEER = "duplicate-peer";
    /// Unicast without a source address.
    PEER_WITHOUT_SOURCE = "peer-without-source";
    /// Unicast that believes adverts from anywhere.
    UNPROTECTED_UNICAST = "unprotected-unicast";
    /// A first IPv6 address that is not link-local.
    FIRST_VIP_NOT_LINK_LOCAL = "first-vip-not-link-local";
    /// A broadcast address that is not the network's.
    BROADCAST_NOT_OF_NETWORK = "broadcast-not-of-network";
    /// A label that does not begin with its interface's name.
    LABEL_WITHOUT_DEVICE = "label-without-device";
    /// A source address in no network of the virtual addresses.
    SOURCE_OUTSIDE_NETWORK = "source-outside-network";
    /// Strict mode, in which the virtual addresses do not answer.
    STRICT_WITHOUT_ACCEPT = "strict-without-accept";
    /// A weight that changes no priority.
    WEIGHT_WITHOUT_EFFECT = "weight-without-effect";
    /// A weight that leads beyond what can be sent.
    WEIGHT_CUT_OFF = "weight-cut-off";
    /// A weight of a few points only.
    SMALL_WEIGHT = "small-weight";
    /// Priority 255.
    OWNER_PRIORITY = "owner-priority";
    /// MASTER without a priority.
    IMPLIED_OWNER = "implied-owner";
    /// `preempt_delay` with priority 255.
    OWNER_WITH_PREEMPT_DELAY = "owner-with-preempt-delay";
    /// A script's timeout that is not below its interval.
    TIMEOUT_NOT_BELOW_INTERVAL = "timeout-not-below-interval";
    /// A tracked file or process, or a server group, that nothing refers to.
    UNUSED_TRACKER = "unused-tracker";
    /// Shell syntax where no shell reads.
    SHELL_SYNTAX = "shell-syntax";
    /// A script where others may write.
    SCRIPT_IN_SHARED_DIRECTORY = "script-in-shared-directory";
    /// Arguments that are taken for a user and a group.
    UNQUOTED_ARGUMENTS = "unquoted-arguments";
    /// A script that looks for a process.
    PROCESS_SEARCH = "process-search";
    /// A program without a path.
    SCRIPT_WITHOUT_PATH = "script-without-path";
    /// A value that a comment cuts short.
    COMMENT_IN_VALUE = "comment-in-value";
    /// A value that is set twice in a block.
    REPEATED_KEYWORD = "repeated-keyword";
    /// A value that two `global_defs` set.
    REPEATED_GLOBAL = "repeated-global";
    /// A flag that is set although its line says no.
    FLAG_WITH_VALUE = "flag-with-value";
    /// A file that configures nothing.
    EMPTY_CONFIGURATION = "empty-configuration";
    /// One password for several instances.
    SHARED_PASSWORD = "shared-password";
    /// Mail without `router_id`.
    MISSING_ROUTER_ID = "missing-router-id";
    /// Alerts without somebody to write to.
    ALERT_WITHOUT_MAIL = "alert-without-mail";
    /// A virtual server whose address no instance holds.
    ADDRESS_WITHOUT_INSTANCE = "address-without-instance";
    /// A real server that is never checked.
    NO_CHECKER = "no-checker";
    /// Several checkers for one real server.
    SEVERAL_CHECKERS = "several-checkers";
    /// A check over TCP for a service over UDP.
    TCP_CHECK_OF_UDP = "tcp-check-of-udp";
    /// A check that may last longer than the time between two.
    TIMEOUT_EXCEEDS_DELAY_LOOP = "timeout-exceeds-delay-loop";
    /// A url of which any answer will do.
    URL_WITHOUT_EXPECTATION = "url-without-expectation";
    /// A check that encrypts without verifying.
    SSL_GET_DOES_NOT_VERIFY = "ssl-get-does-not-verify";
    /// A real or sorry server without a port.
    MISSING_PORT = "missing-port";
    /// A weight that schedulers may not be able to compute with.
    HUGE_WEIGHT = "huge-weight";
    /// A real server that is a virtual address.
    REAL_SERVER_IS_VIRTUAL = "real-server-is-virtual";
    /// A sorry server that is a real server.
    SORRY_SERVER_IS_REAL = "sorry-server-is-real";
    /// A variable that nothing defines.
    UNDEFINED_VARIABLE = "undefined-variable";
    /// An interface whose name is an address or a placeholder.
    IMPLAUSIBLE_INTERFACE = "implausible-interface";
    /// A merge that was not finished.
    MERGE_CONFLICT = "merge-conflict";
    /// A place in a template that nothing was put in.
    TEMPLATE_PLACEHOLDER = "template-placeholder";
    /// A line of a terminal or of a web page.
    PASTED_TEXT = "pasted-text";
    /// A carriage return that ends no line.
    CARRIAGE_RETURN = "carriage-return";
    /// A comment that silences nothing.
    UNUSED_ALLOW = "unused-allow";
    /// A comment that silences what does not exist.
    UNKNOWN_ALLOW = "unknown-allow";
}
