//! `alived pcap`: reads capture files and prints what is in them.

use std::path::Path;
use std::process::ExitCode;

use crate::pcap::{self, Judged};

use super::own::{PcapCommand, PcapOutput};

/// A standard is violated.
const VIOLATIONS: u8 = 1;
/// A file could not be read.
const UNREADABLE: u8 = 2;

pub(super) fn run(command: &PcapCommand) -> ExitCode {
    let (files, render): (_, fn(&Judged) -> String) = match command {
        PcapCommand::Check { files, output: PcapOutput::Text } => (files, pcap::report),
        PcapCommand::Check { files, output: PcapOutput::Json } => (files, pcap::json),
        PcapCommand::Explain { files } => (files, pcap::explain),
    };
    let is_check = matches!(command, PcapCommand::Check { .. });
    let has_titles = files.len() > 1 && !matches!(command, PcapCommand::Check { output: PcapOutput::Json, .. });
    let mut status = 0;
    for file in files {
        match judged(file) {
            Ok(judged) => {
                if has_titles {
                    println!("{}:", file.display());
                }
                print!("{}", render(&judged));
                if is_check && judged.has_violations() {
                    status = status.max(VIOLATIONS);
                }
            }
            Err(problem) => {
                eprintln!("alived: {}: {problem}", file.display());
                status = UNREADABLE;
            }
        }
    }
    ExitCode::from(status)
}

fn judged(file: &Path) -> Result<Judged, String> {
    let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
    let capture = pcap::read(&bytes).map_err(|error| error.to_string())?;
    Ok(pcap::judge(&capture))
}
