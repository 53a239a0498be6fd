//! alived and the real kernel's IPVS, in a virtual machine, beside the real keepalived.

mod engine;
mod guest;
mod initramfs;
mod spy;
mod tables;
mod vm;

use alived::wire::ipvs::Request;
use guest::{
    Daemon, MailServer, WebServer, WithoutIpvs, destinations, interface, table, wait_for_destinations, wait_until,
};
use spy::Spy;
use vm::{case, run};

/// The deployments that alived must run as they stand.
const FWMARK_NAT: &str = include_str!("../../fixtures/seeds/000-fwmark-nat.conf");
const DIRECT_ROUTING: &str = include_str!("../../fixtures/seeds/001-dr.conf");
/// One director of two: VRRP on eth0, and two web servers checked over HTTP, with alerts by mail.
const CLUSTER: &str = include_str!("../../fixtures/seeds/004-master.conf");

/// Nothing in the kernel.
const EMPTY: &str = "IP Virtual Server version 1.2.1 (size=4096)\n\
    Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n";

/// `CLUSTER`, checked every second from the first one on.
fn quick_cluster() -> String {
    CLUSTER.replace("delay_loop 6", "delay_loop 1").replace("connect_timeout 2", "connect_timeout 2\n warmup 0")
}

/// The table that a daemon makes of a configuration, once it has `lines` lines.
fn table_of(start: fn(&str) -> Daemon, configuration: &str, lines: usize) -> String {
    let daemon = start(configuration);
    wait_until("the table is filled", || table().lines().count() == lines, || daemon.log());
    let table = table();
    daemon.stop();
    table
}

#[test]
fn the_table_of_every_deployment_is_keepalived_s() {
    case("the_table_of_every_deployment_is_keepalived_s", || {
        interface("eth0", &["172.17.0.2/16"]);
        for configuration in [FWMARK_NAT, DIRECT_ROUTING, CLUSTER] {
            let theirs = table_of(Daemon::keepalived, configuration, 6);
            assert_eq!(table(), EMPTY);
            let ours = table_of(Daemon::alived, configuration, 6);
            assert_eq!(ours, theirs, "for\n{configuration}");
            assert_eq!(table(), EMPTY);
        }
    });
}

#[test]
fn the_tables_are_those_of_the_documents_they_come_from() {
    case("the_tables_are_those_of_the_documents_they_come_from", || {
        let nat = table_of(Daemon::alived, FWMARK_NAT, 6);
        assert!(nat.contains("FWM  1 wrr\n"), "{nat}");
        assert!(nat.contains("  -> 172.27.0.30:80               Masq    1      0          0\n"), "{nat}");
        assert!(nat.contains("  -> 172.27.0.31:80               Masq    1      0          0\n"), "{nat}");
        let direct = table_of(Daemon::alived, DIRECT_ROUTING, 6);
        assert!(direct.contains("TCP  172.16.0.40:80 rr\n"), "{direct}");
        assert!(direct.contains("  -> 172.16.0.32:80               Route   1      0          0\n"), "{direct}");
        assert!(direct.contains("  -> 172.16.0.33:80               Route   2      0          0\n"), "{direct}");
    });
}

#[test]
fn a_web_server_that_stops_leaves_the_table_and_returns_with_it() {
    case("a_web_server_that_stops_leaves_the_table_and_returns_with_it", || {
        interface("eth0", &["172.17.0.4/16", "172.17.0.5/16"]);
        let stays = WebServer::start("172.17.0.4:80", 200);
        let goes = WebServer::start("172.17.0.5:80", 200);
        let daemon = Daemon::alived(&quick_cluster());
        daemon.wait_for("Remote Web server [172.17.0.5]:tcp:80 succeed on service.");
        wait_for_destinations(&["172.17.0.4:80", "172.17.0.5:80"]);
        drop(goes);
        wait_for_destinations(&["172.17.0.4:80"]);
        daemon.wait_for("HTTP_CHECK on service [172.17.0.5]:tcp:80 failed after 3 retries.");
        daemon.wait_for("Removing service [172.17.0.5]:tcp:80 from VS [172.17.0.10]:tcp:80");
        let _back = WebServer::start("172.17.0.5:80", 200);
        wait_for_destinations(&["172.17.0.4:80", "172.17.0.5:80"]);
        daemon.wait_for("Adding service [172.17.0.5]:tcp:80 to VS [172.17.0.10]:tcp:80");
        let expected = "GET / HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: 172.17.0.4:80\r\n\r\n";
        assert_eq!(stays.requests()[0], expected);
    });
}

#[test]
fn a_status_that_is_not_wanted_takes_a_web_server_out() {
    case("a_status_that_is_not_wanted_takes_a_web_server_out", || {
        interface("eth0", &["172.17.0.4/16", "172.17.0.5/16"]);
        let _good = WebServer::start("172.17.0.4:80", 200);
        let _bad = WebServer::start("172.17.0.5:80", 204);
        let _daemon = Daemon::alived(&quick_cluster());
        wait_for_destinations(&["172.17.0.4:80"]);
    });
}

#[test]
fn a_stop_leaves_nothing_of_ours_and_everything_of_others() {
    case("a_stop_leaves_nothing_of_ours_and_everything_of_others", || {
        run("ipvsadm -A -t 192.0.2.1:443 -s wlc -p 50");
        run("ipvsadm -a -t 192.0.2.1:443 -r 192.0.2.7:443 -i -w 3");
        let foreign = table();
        let daemon = Daemon::alived(DIRECT_ROUTING);
        wait_until("both services are there", || destinations().len() == 3, || daemon.log());
        assert!(daemon.stop().success());
        assert_eq!(table(), foreign);
    });
}

#[test]
fn what_a_crash_left_behind_is_adopted_and_put_right() {
    case("what_a_crash_left_behind_is_adopted_and_put_right", || {
        let daemon = Daemon::alived(DIRECT_ROUTING);
        wait_for_destinations(&["172.16.0.32:80", "172.16.0.33:80"]);
        daemon.crash();
        run("ipvsadm -a -t 172.16.0.40:80 -r 172.16.0.99:80 -g");
        run("ipvsadm -e -t 172.16.0.40:80 -r 172.16.0.32:80 -g -w 7");
        let spy = Spy::start();
        let daemon = Daemon::alived(DIRECT_ROUTING);
        wait_for_destinations(&["172.16.0.32:80", "172.16.0.33:80"]);
        wait_until("the weight is right", || table().contains("172.16.0.32:80               Route   1 "), table);
        let changes = spy.changes();
        assert!(matches!(changes.as_slice(), [Request::SetDest(..), Request::DelDest(..)]), "{changes:?}");
        daemon.stop();
        assert_eq!(table(), EMPTY);
    });
}

#[test]
fn a_reload_that_changes_a_weight_sends_one_command() {
    case("a_reload_that_changes_a_weight_sends_one_command", || {
        let daemon = Daemon::alived(DIRECT_ROUTING);
        wait_for_destinations(&["172.16.0.32:80", "172.16.0.33:80"]);
        let spy = Spy::start();
        daemon.reload(&DIRECT_ROUTING.replace("weight 2", "weight 5"));
        daemon
            .wait_for("Changing weight from 2 to 5 for active service [172.16.0.33]:tcp:80 of VS [172.16.0.40]:tcp:80");
        wait_until("the new weight", || table().contains("172.16.0.33:80               Route   5 "), table);
        let changes = spy.changes();
        assert!(matches!(changes.as_slice(), [Request::SetDest(..)]), "{changes:?}");
    });
}

#[test]
fn a_kernel_without_ip_vs_is_mentioned_once_and_nothing_ends() {
    case("a_kernel_without_ip_vs_is_mentioned_once_and_nothing_ends", || {
        interface("eth0", &["172.17.0.2/16"]);
        let without = WithoutIpvs::begin();
        let mut daemon = Daemon::alived(&quick_cluster());
        daemon.wait_for("modprobe ip_vs");
        daemon.wait_for("Removing service [172.17.0.5]:tcp:80 from VS [172.17.0.10]:tcp:80");
        daemon.wait_for("Entering MASTER STATE");
        assert!(run("ip addr show dev eth0").contains("172.17.0.10/32"), "VRRP goes on");
        assert!(daemon.is_running());
        assert_eq!(daemon.log().matches("modprobe ip_vs").count(), 1, "{}", daemon.log());
        drop(without);
        daemon.reload(DIRECT_ROUTING);
        wait_for_destinations(&["172.16.0.32:80", "172.16.0.33:80"]);
        daemon.stop();
        assert_eq!(table(), EMPTY);
    });
}

/// The dialogue of the first mail that a daemon sends for `CLUSTER` without web servers, without its date.
fn first_mail(start: fn(&str) -> Daemon) -> String {
    let server = MailServer::start("127.0.0.1:25");
    let daemon = start(&quick_cluster());
    wait_until("two mails", || server.dialogues().len() == 2, || daemon.log());
    daemon.stop();
    let mut dialogues = server.dialogues();
    dialogues.sort_by_key(|dialogue| dialogue.contains("[172.17.0.5]:tcp:80 of"));
    let date = dialogues[0]
        .lines()
        .find(|line| line.starts_with("Date: "))
        .unwrap_or_else(|| panic!("no date in {dialogues:?}"))
        .to_owned();
    assert!(date.ends_with("+0000") && date.len() == "Date: Sat, 21 Nov 2026 01:59:09 +0000".len(), "{date}");
    dialogues[0].replace(&date, "Date:")
}

#[test]
fn the_alert_mail_is_keepalived_s() {
    case("the_alert_mail_is_keepalived_s", || {
        // Addresses that nobody listens on: refused at once.
        interface("eth0", &["172.17.0.4/16", "172.17.0.5/16"]);
        let theirs = first_mail(Daemon::keepalived);
        let ours = first_mail(Daemon::alived);
        assert!(theirs.contains("Subject: [LVS_DEVEL] Realserver [172.17.0.4]:tcp:80 of virtual server"), "{theirs}");
        assert_eq!(ours, theirs);
    });
}
