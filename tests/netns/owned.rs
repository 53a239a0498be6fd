//! Does a router own in the kernel what keepalived owns with the same file: in every state, after a reload, after it
//! was stopped? keepalived and alived each run alone on a host of their own, so that both are MASTER, or neither.

use std::time::Duration;

use serde_json::Value;

use crate::common::daemon::Program;
use crate::common::lab::{Host, HostPlan, Lab};
use crate::common::wait::{eventually, within};

/// Becoming MASTER, and being late.
const LIMIT: Duration = Duration::from_secs(20);

/// What `ip` shows of a host, without what differs between any two hosts.
fn shown(host: &Host, what: &[&str]) -> Vec<Value> {
    let text = host.namespace().ip(&[&["-details", "-json"], what].concat());
    let mut all: Value = serde_json::from_str(if text.trim().is_empty() { "[]" } else { &text }).expect("JSON");
    forget(&mut all, what.contains(&"address"));
    let mut lines = all.as_array().cloned().unwrap_or_default();
    lines.retain(|line| line.as_object().is_none_or(|line| !line.is_empty()));
    lines
}

/// Drops what is a number of its own on every host, or that keepalived 2.2.7 does not set: 2.3.2 does.
fn forget(value: &mut Value, addresses: bool) {
    const OWN: [&str; 7] = ["ifindex", "link", "link_index", "link_netnsid", "address", "permaddr", "expires"];
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !(OWN.contains(&name.as_str()) || addresses && name == "protocol"));
            fields.values_mut().for_each(|value| forget(value, addresses));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| forget(value, addresses)),
        _ => {}
    }
}

/// Everything the comparison looks at.
fn everything(host: &Host) -> Vec<(String, Vec<Value>)> {
    let views: [&[&str]; 6] = [
        &["-4", "address", "show"],
        &["-6", "address", "show", "scope", "global"],
        &["-4", "route", "show", "table", "all"],
        &["-6", "route", "show", "table", "all", "proto", "keepalived"],
        &["-4", "rule", "show"],
        &["-6", "rule", "show"],
    ];
    views.iter().map(|view| (view.join(" "), shown(host, view))).collect()
}

/// Two hosts that must look alike: keepalived's and alived's. They share no segment and have the same address.
struct Pair {
    lab: Lab,
}

impl Pair {
    fn start(conf: &str) -> Pair {
        let plan = |name| HostPlan { name, ..HostPlan::numbered("a", 11) };
        let lab = Lab::new(vec![plan("k"), plan("a")]);
        let pair = Pair { lab };
        pair.lab.isolate();
        for host in pair.hosts() {
            host.enable_ipv6();
            host.namespace().ip(&["link", "add", "eth1", "up", "type", "veth", "peer", "name", "eth1-peer"]);
            host.namespace().ip(&["link", "set", "eth1-peer", "up"]);
        }
        pair.keepalived().start(Program::Keepalived, conf);
        pair.alived().start(Program::Alived, conf);
        pair
    }

    fn keepalived(&self) -> &Host {
        self.lab.host("k")
    }

    fn alived(&self) -> &Host {
        self.lab.host("a")
    }

    fn hosts(&self) -> [&Host; 2] {
        [self.keepalived(), self.alived()]
    }

    fn both_log(&self, text: &str) {
        for host in self.hosts() {
            eventually(&format!("'{text}' in the log"), LIMIT, || host.log().contains(text));
        }
    }

    /// Waits until the two look alike, and shows the difference if they never do.
    #[track_caller]
    fn alike(&self, when: &str) -> Vec<(String, Vec<Value>)> {
        let mut difference = String::new();
        let found = within(LIMIT, || {
            let (theirs, ours) = (everything(self.keepalived()), everything(self.alived()));
            difference = theirs.iter().zip(&ours).map(|(theirs, ours)| difference_of(theirs, ours)).collect();
            difference.is_empty().then_some(ours)
        });
        found.unwrap_or_else(|| panic!("{when}: {difference}"))
    }
}

/// Line by line, for people; empty when there is none.
fn difference_of((view, theirs): &(String, Vec<Value>), (_, ours): &(String, Vec<Value>)) -> String {
    if theirs == ours {
        return String::new();
    }
    let missing = theirs.iter().filter(|line| !ours.contains(line)).map(|line| format!("only keepalived: {line}\n"));
    let extra = ours.iter().filter(|line| !theirs.contains(line)).map(|line| format!("only alived: {line}\n"));
    format!("ip {view}:\n{}", missing.chain(extra).collect::<String>())
}

fn count(all: &[(String, Vec<Value>)], protocol: &str) -> usize {
    all.iter().flat_map(|(_, lines)| lines).filter(|line| line["protocol"] == protocol).count()
}

/// Everything a route and a rule can say that this kernel understands.
const CONF: &str = "
static_routes {
    10.1.0.0/16 via 10.99.0.1 dev eth0 metric 7
    blackhole 10.2.0.0/16 no_track
    2001:db8:1::/48 dev eth0 metric 9
}
static_rules {
    from 10.1.0.0/16 table 100 priority 400
    from 2001:db8:1::/48 table 100 priority 401
}
vrrp_instance V {
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 1
    virtual_ipaddress {
        10.99.0.100/24
        10.99.7.1/24 dev eth1 label eth1:vip scope link
    }
    virtual_routes {
        10.3.0.0/16 via 10.99.0.1 dev eth0 src 10.99.0.100 metric 5 table 100
        10.4.0.0/16 dev eth1 scope link mtu lock 1400 advmss 1300 rtt 300ms rttvar lock 1s ssthresh 9 cwnd 10 window 7 \
            reordering 4 initcwnd 11 initrwnd 12 hoplimit 33 quickack 1 features ecn rto_min lock 500ms
        10.5.0.0/16 table 1000 no_track nexthop via 10.99.0.1 dev eth0 weight 3 nexthop via 10.99.7.9 dev eth1 onlink
        unreachable 10.6.0.0/16 no_track tos 0x10
        default via 10.99.0.1 dev eth0 onlink metric 77 append
        10.7.0.0/16 via 10.99.0.2 or 10.99.0.3 no_track
        2001:db8:3::/48 via fe80::2 dev eth0 metric 6 pref high
    }
    virtual_rules {
        from 10.3.0.0/16 to 10.4.0.0/16 table 100 preference 500 tos 0x10 fwmark 0x5/0xff
        not iif eth1 oif eth0 lookup 1000 priority 501 suppress_prefixlength 8
        from 10.9.0.0/16 blackhole priority 502
        goto 600 priority 503 uidrange 5-10
        ipproto tcp sport 80-90 dport 100-200 table 5 priority 504
        type prohibit from 2001:db8:3::/48 priority 505
        nop priority 600 no_track protocol 99
        from 10.8.0.0/16 table 7
        from 10.8.1.0/24 table 8
    }
}
";

#[test]
fn routes_and_rules_are_keepalived_s_in_every_state() {
    let pair = Pair::start(CONF);
    pair.both_log("Entering BACKUP STATE (init)");
    // Static ones are there before anybody is master, the others are not.
    let waiting = pair.alike("as BACKUP");
    assert_eq!(count(&waiting, "keepalived"), 4, "{waiting:#?}");
    pair.both_log("Entering MASTER STATE");
    let master = pair.alike("as MASTER");
    assert!(count(&master, "keepalived") >= 18, "{master:#?}");

    for host in pair.hosts() {
        host.namespace().ip(&["link", "set", "eth1", "down"]);
    }
    pair.both_log("Entering FAULT STATE");
    let fault = pair.alike("in FAULT");
    assert!(count(&fault, "keepalived") < count(&master, "keepalived"));
    for host in pair.hosts() {
        host.namespace().ip(&["link", "set", "eth1", "up"]);
    }
    for host in pair.hosts() {
        let masters = || host.log().matches("Entering MASTER STATE").count() == 2;
        eventually("mastership to come back", LIMIT, masters);
    }
    assert_eq!(pair.alike("as MASTER again"), master);

    let changed = CONF
        .replace("        10.7.0.0/16 via 10.99.0.2 or 10.99.0.3 no_track\n", "")
        .replace("metric 5 table 100", "metric 6 table 100")
        .replace("10.1.0.0/16 via 10.99.0.1 dev eth0 metric 7", "10.11.0.0/16 via 10.99.0.1 dev eth0")
        .replace("from 10.9.0.0/16 blackhole priority 502", "from 10.9.1.0/24 blackhole priority 502")
        .replace("from 10.1.0.0/16 table 100 priority 400", "from 10.1.0.0/16 table 101 priority 400");
    for host in pair.hosts() {
        host.reload(changed.as_bytes());
    }
    eventually("alived to reload", LIMIT, || !everything(pair.alived()).eq(&master));
    let reloaded = pair.alike("after a reload");
    assert_ne!(reloaded, master);

    for host in pair.hosts() {
        host.terminate();
    }
    let stopped = pair.alike("after the end");
    assert_eq!(count(&stopped, "keepalived"), 0, "{stopped:#?}");
}

/// Everything an address can say.
const ADDRESSES: &str = "
global_defs {
    default_interface eth1
}
track_group G {
    group {
        V
    }
}
static_ipaddress {
    10.99.20.1/24 dev eth0 label eth0:static brd +
    10.99.21.1/32
    2001:db8:20::1/64 dev eth1 track_group G
}
vrrp_instance V {
    interface eth0
    virtual_router_id 51
    advert_int 1
    virtual_ipaddress {
        10.99.0.100/24 brd 10.99.0.255 label eth0:v
        10.99.22.1/32 dev eth1
        10.99.23.1/24 brd - noprefixroute dev eth1 no_track
        10.99.24.1/16 brd + home autojoin scope 50
    }
    virtual_ipaddress_excluded {
        10.99.25.1/24
        2001:db8:25::1/64
        2001:db8:25::2
        2001:db8:25::3/64 preferred_lft 0 mngtmpaddr
        2001:db8:25::4 preferred_lft forever -nodad
    }
}
";

#[test]
fn addresses_are_keepalived_s_in_every_state() {
    let pair = Pair::start(ADDRESSES);
    pair.both_log("Entering BACKUP STATE (init)");
    let waiting = pair.alike("as BACKUP");
    pair.both_log("Entering MASTER STATE");
    let master = pair.alike("as MASTER");
    assert_ne!(master, waiting);
    let text = format!("{master:?}");
    for address in ["10.99.0.100", "10.99.22.1", "10.99.25.1", "2001:db8:25::4", "2001:db8:20::1", "eth0:static"] {
        assert!(text.contains(address), "{address} is missing: {master:#?}");
    }
    let changed = ADDRESSES
        .replace("        10.99.25.1/24\n", "        10.99.26.1/24\n")
        .replace("10.99.21.1/32", "10.99.27.1/32");
    for host in pair.hosts() {
        host.reload(changed.as_bytes());
    }
    eventually("alived to reload", LIMIT, || everything(pair.alived()) != master);
    pair.alike("after a reload");
    for host in pair.hosts() {
        host.namespace().ip(&["link", "set", "eth0", "down"]);
    }
    pair.both_log("Entering FAULT STATE");
    pair.alike("in FAULT");
    for host in pair.hosts() {
        host.terminate();
    }
    let stopped = format!("{:?}", pair.alike("after the end"));
    for address in ["10.99.0.100", "10.99.20.1", "2001:db8:25::4"] {
        assert!(!stopped.contains(address), "{address} stays behind");
    }
}

/// keepalived removes an address with a peer under another name, which the kernel does not know: it stays behind.
#[test]
fn an_address_with_a_peer_is_keepalived_s_and_goes_with_its_owner() {
    let plain = "        10.99.22.1/32 dev eth1\n";
    let pair = Pair::start(&ADDRESSES.replace(plain, "        10.99.22.1 peer 10.99.22.2 dev eth1\n"));
    pair.both_log("Entering MASTER STATE");
    let master = format!("{:?}", pair.alike("as MASTER"));
    assert!(master.contains("10.99.22.2"), "no route to the peer: {master}");
    pair.alived().terminate();
    let stopped = format!("{:?}", everything(pair.alived()));
    assert!(!stopped.contains("10.99.22."), "{stopped}");
}

/// What somebody takes away from a master is put back, and said; keepalived gives mastership up for a moment instead.
#[test]
fn a_route_or_rule_that_somebody_removes_is_put_back() {
    let lab = Lab::new(vec![HostPlan::numbered("a", 11)]);
    let a = lab.host("a");
    let conf = "
vrrp_instance V {
    interface eth0
    virtual_router_id 51
    advert_int 1
    virtual_ipaddress {
        10.99.0.100/24
    }
    virtual_routes {
        10.3.0.0/16 via 10.99.0.1 dev eth0 src 10.99.0.100 metric 5 table 1000
    }
    virtual_rules {
        from 10.3.0.0/16 table 1000 priority 500
    }
}
";
    a.start(Program::Alived, conf);
    let is_ours = |route: &Value| route["dst"] == "10.3.0.0/16";
    let route = || shown(a, &["-4", "route", "show", "table", "all"]).iter().any(is_ours);
    let rule = || shown(a, &["-4", "rule", "show"]).iter().any(|rule| rule["priority"] == 500);
    eventually("mastership", LIMIT, || route() && rule());
    let told = || a.log().matches("removed by somebody else").count();
    for (number, removal) in [
        &["route", "del", "10.3.0.0/16", "table", "1000"][..],
        &["rule", "del", "priority", "500"],
        // The kernel takes the route along and does not say so.
        &["address", "del", "10.99.0.100/24", "dev", "eth0"],
    ]
    .into_iter()
    .enumerate()
    {
        a.namespace().ip(removal);
        eventually("it to be put back and told", LIMIT, || told() == number + 1 && route() && rule());
    }
    assert_eq!(a.log().matches("Entering").count(), 2, "BACKUP and MASTER, and no state after them");
    a.terminate();
    assert!(!route() && !rule(), "nothing stays behind");
}
