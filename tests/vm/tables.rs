//! The table that alived makes of a configuration beside the one that keepalived makes of it, on the same kernel, one
//! feature each.

use super::guest::{Daemon, wait_until};
use super::vm::{case, run};

/// `ipvsadm -Sn`: the table as commands.
fn saved() -> String {
    run("ipvsadm -Sn").lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The tables that both make of a configuration, once they have `lines` lines; that nothing is left after either.
fn compared(configuration: &str, lines: usize) -> [String; 2] {
    [Daemon::keepalived, Daemon::alived].map(|start| {
        let daemon = start(configuration);
        wait_until(
            "the table is filled",
            || saved().lines().count() == lines,
            || format!("{}{}", saved(), daemon.log()),
        );
        let table = saved();
        daemon.stop();
        assert_eq!(saved(), "", "something is left");
        table
    })
}

fn same(configuration: &str, lines: usize) -> String {
    let [theirs, ours] = compared(configuration, lines);
    assert_eq!(ours, theirs, "for\n{configuration}");
    ours
}

/// A virtual server with these options and real servers.
fn server(head: &str, options: &str, reals: &str) -> String {
    format!("virtual_server {head} {{\n{options}\n{reals}\n}}\n")
}

const REAL: &str = "real_server 10.9.2.1 80 {\n}";
const TCP: &str = "lb_algo wlc\nlb_kind NAT\nprotocol TCP";

#[test]
fn groups_of_addresses_ranges_and_marks() {
    case("tables::groups_of_addresses_ranges_and_marks", || {
        let group = "virtual_server_group G {\n10.9.1.1 80\n10.9.1.10-12 81\n10.9.1.20-10.9.1.22 82\n10.9.1.32/30 83\nfwmark 5\n}\n";
        let nat = server("group G", TCP, REAL);
        let direct = server("group G", "lb_algo rr\nlb_kind DR\nprotocol UDP", "real_server 10.9.2.3 {\nweight 3\n}");
        // Eleven addresses of each protocol and one mark, each with a server; the mark has both.
        let table = same(&format!("{group}{nat}{direct}"), 2 * 11 * 2 + 3);
        assert!(table.contains("-a -u 10.9.1.35:83 -r 10.9.2.3:83 -g -w 3\n"), "{table}");
    });
}

#[test]
fn ipv6_services_and_tunnels_between_families() {
    case("tables::ipv6_services_and_tunnels_between_families", || {
        let reals = "real_server fd00:9::2 80 {\n}\nreal_server 10.9.2.1 80 {\n}";
        let tunnelled = server("fd00:9::101 80", "lb_algo rr\nlb_kind TUN\nprotocol TCP", reals);
        let nat = server("fd00:9::100 80", TCP, "real_server fd00:9::2 8080 {\n}");
        let mark = server("fwmark 7", "ip_family inet6\nlb_algo rr\nlb_kind NAT", "real_server fd00:9::2 80 {\n}");
        let table = same(&format!("{nat}{tunnelled}{mark}"), 7);
        assert!(table.contains("-a -f 7 -6 -r [fd00:9::2]:80 -m -w 1\n"), "{table}");
    });
}

#[test]
fn options_of_schedulers_and_persistence() {
    case("tables::options_of_schedulers_and_persistence", || {
        let options = [
            "ops\nlb_algo wlc\nlb_kind NAT\nprotocol UDP",
            "lb_algo wrr\nflag-1\nflag-3\nlb_kind NAT\nprotocol TCP",
            "lb_algo rr\nlb_kind NAT\nprotocol TCP\npersistence_timeout 50\npersistence_granularity 255.255.255.0",
            "lb_algo rr\nlb_kind NAT\nprotocol TCP\npersistence_granularity 255.255.0.0",
        ];
        let head = |position: usize| format!("10.9.1.1 {}", 1000 + position);
        let servers = options.iter().enumerate().map(|(position, options)| server(&head(position), options, REAL));
        let table = same(&servers.collect::<String>(), 2 * options.len());
        assert!(table.contains("-s rr -p 50 -M 255.255.255.0\n"), "{table}");
    });
}

#[test]
fn tunnels_of_every_kind() {
    case("tables::tunnels_of_every_kind", || {
        let tunnel =
            |last: usize, options: &str| format!("real_server 10.9.2.{last} 80 {{\nlvs_method TUN {options}\n}}\n");
        let kinds = [
            "type ipip",
            "type gue port 6080",
            "type gue port 6081 csum",
            "type gue port 6082 remcsum",
            "type gre",
            "type gre csum",
        ];
        let reals: String = (1..).zip(kinds).map(|(last, options)| tunnel(last, options)).collect();
        let table = same(&server("10.9.1.1 80", TCP, &reals), 1 + kinds.len());
        assert!(table.contains("--tun-type gue --tun-port 6081"), "{table}");
    });
}

#[test]
fn thresholds_of_a_real_server() {
    case("tables::thresholds_of_a_real_server", || {
        let reals =
            "real_server 10.9.2.1 80 {\nuthreshold 500\nlthreshold 100\n}\nreal_server 10.9.2.2 80 {\nuthreshold 5\n}";
        let configuration = server("10.9.1.1 80", TCP, reals);
        let [theirs, ours] = [Daemon::keepalived, Daemon::alived].map(|start| {
            let daemon = start(&configuration);
            wait_until("the table is filled", || saved().lines().count() == 3, || daemon.log());
            let table = run("ipvsadm -Ln --thresholds");
            daemon.stop();
            table
        });
        assert_eq!(ours, theirs);
        assert!(ours.contains("10.9.2.1:80                  500        100 "), "{ours}");
    });
}

#[test]
fn a_sorry_server_and_inhibited_servers() {
    case("tables::a_sorry_server_and_inhibited_servers", || {
        // Nobody listens on these: the first check fails.
        let checked = "real_server 127.0.0.1 81 {\nweight 3\nTCP_CHECK {\nconnect_timeout 1\nwarmup 0\n}\n}";
        let options = format!("{TCP}\ndelay_loop 1\nsorry_server 10.9.2.200 80");
        let sorry = server("10.9.1.1 80", &options, checked);
        let inhibited = server("10.9.1.2 80", &format!("{options}\nsorry_server_inhibit\ninhibit_on_failure"), checked);
        let configuration = format!("{sorry}{inhibited}");
        let tables = [Daemon::keepalived, Daemon::alived].map(|start| {
            let daemon = start(&configuration);
            daemon.wait_for("Enabling sorry server [10.9.2.200]:tcp:80 to VS [10.9.1.2]:tcp:80");
            daemon.wait_for("Adding sorry server [10.9.2.200]:tcp:80 to VS [10.9.1.1]:tcp:80");
            wait_until("the sorry servers are in", || saved().matches("10.9.2.200:80 -m -w 1").count() == 2, saved);
            wait_until("the others are out", || saved().lines().count() == 5, saved);
            let table = saved();
            daemon.stop();
            table
        });
        assert_eq!(tables[1], tables[0]);
        assert!(tables[1].contains("-r 127.0.0.1:81 -m -w 0\n"), "{}", tables[1]);
    });
}

#[test]
fn timeouts_come_and_go() {
    case("tables::timeouts_come_and_go", || {
        let timeouts = || run("ipvsadm -L --timeout");
        let before = timeouts();
        let configuration =
            format!("global_defs {{\nlvs_timeouts tcp 7200 udp 60\n}}\n{}", server("10.9.1.1 80", TCP, REAL));
        for start in [Daemon::keepalived, Daemon::alived] {
            let daemon = start(&configuration);
            wait_until(
                "the timeouts are set",
                || timeouts() == "Timeout (tcp tcpfin udp): 7200 120 60\n",
                || daemon.log(),
            );
            daemon.stop();
            assert_eq!(timeouts(), before);
        }
    });
}

#[test]
fn what_something_else_changes_is_put_back_and_what_is_foreign_stays() {
    case("tables::what_something_else_changes_is_put_back_and_what_is_foreign_stays", || {
        let daemon = Daemon::alived(&server("10.9.1.1 80", TCP, REAL));
        wait_until("the table is filled", || saved().lines().count() == 2, || daemon.log());
        let ours = saved();
        run("ipvsadm -C");
        run("ipvsadm -A -u 10.9.1.88:53 -s wlc");
        daemon.wait_for("IPVS: something else has changed [10.9.1.1]:tcp:80: putting it back");
        wait_until("it is put back", || saved() == format!("{ours}-A -u 10.9.1.88:53 -s wlc\n"), saved);
        daemon.stop();
        assert_eq!(saved(), "-A -u 10.9.1.88:53 -s wlc\n");
    });
}

#[test]
fn a_flush_takes_foreign_services_at_start_and_at_the_end() {
    case("tables::a_flush_takes_foreign_services_at_start_and_at_the_end", || {
        let foreign = "ipvsadm -A -u 10.9.1.88:53 -s wlc";
        run(foreign);
        let configuration =
            format!("global_defs {{\nlvs_flush\nlvs_flush_on_stop\n}}\n{}", server("10.9.1.1 80", TCP, REAL));
        let daemon = Daemon::alived(&configuration);
        wait_until(
            "only ours is there",
            || saved() == "-A -t 10.9.1.1:80 -s wlc\n-a -t 10.9.1.1:80 -r 10.9.2.1:80 -m -w 1\n",
            saved,
        );
        run(foreign);
        daemon.stop();
        assert_eq!(saved(), "");
    });
}
