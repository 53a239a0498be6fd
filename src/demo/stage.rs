//! The stage: the network with everybody in place, before the first daemon starts.

use std::path::Path;

use super::Spoiled;
use super::director::Director;
use super::event::Reporter;
use super::network::{HostId, Network, VIP, WEB};
use super::{http, tap};
use crate::io::netlink::ipvs::Ipvs;

/// The configurations, open for everybody to read.
const CONF_A: &str = include_str!("../../fixtures/demo/director-a.conf");
const CONF_B: &str = include_str!("../../fixtures/demo/director-b.conf");

/// Everybody in place.
pub struct Stage {
    /// The hosts and their cables.
    pub network: Network,
    /// The better director.
    pub a: Director,
    /// The other one.
    pub b: Director,
    /// Whether the kernel balances; else [`http::stand_in_for_ipvs`] does.
    pub kernel_has_ipvs: bool,
    /// Where everybody reports to.
    pub reporter: Reporter,
}

impl Stage {
    /// Builds it; the directors' files go to `directory`. No daemon and no client runs yet.
    pub fn set(directory: &Path, reporter: Reporter) -> Result<Stage, Spoiled> {
        let network = Network::build()?;
        // Asking loads the module where there is one.
        let kernel_has_ipvs = Ipvs::open(None).is_ok();
        let setup = |doing| move |source| Spoiled::Setup { doing, source };
        http::serve(network.host(HostId::Web1), "web 1").map_err(setup("starting a web server"))?;
        http::serve(network.host(HostId::Web2), "web 2").map_err(setup("starting a web server"))?;
        if !kernel_has_ipvs {
            for director in [HostId::A, HostId::B] {
                http::stand_in_for_ipvs(network.host(director), WEB).map_err(setup("starting the stand-in"))?;
            }
        }
        tap::start(network.switch(), network.ports(), reporter.clone()).map_err(setup("listening on the switch"))?;
        let director =
            |id, conf| Director::new(id, network.host(id), directory, conf).map_err(setup("writing a configuration"));
        let (a, b) = (director(HostId::A, CONF_A)?, director(HostId::B, CONF_B)?);
        Ok(Stage { network, a, b, kernel_has_ipvs, reporter })
    }

    /// Lets the client ask, from now on.
    pub fn start_client(&self) {
        http::ask_without_pause(self.network.host(HostId::Client), VIP, self.reporter.clone());
    }
}
