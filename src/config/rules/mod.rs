//! Checks across lines, blocks and files for `--check-config`: what keepalived accepts without a word and the author
//! can hardly have meant. One rule, one file; none of them changes what runs.
//!
//! A rule sees either the whole configuration ([`Subject`]) or one block at a time ([`scope::Scope`]), and says what it found.
//! What is lowered is not needed: a rule judges what is written, and works for keywords that nothing comes of yet.

mod address_in_two_instances;
mod address_without_instance;
mod alert_without_mail;
mod broadcast_not_of_network;
mod carriage_return;
mod comment_in_value;
mod duplicate_peer;
mod empty_configuration;
mod extra_words;
mod first_vip_not_link_local;
mod flag_with_value;
mod huge_weight;
mod implausible_interface;
mod label_without_device;
mod look_alike;
mod merge_conflict;
mod missing_port;
mod missing_router_id;
mod no_checker;
mod owner_priority;
mod pair;
mod password_without_type;
mod pasted_text;
mod peer_is_self;
mod peer_is_vip;
mod peer_with_prefix;
mod peer_without_source;
mod real_server_is_virtual;
mod repeated_global;
mod repeated_keyword;
mod scope;
mod script_line;
mod scripts_without_security;
mod several_checkers;
mod shared_password;
mod sorry_server_is_real;
mod source_outside_network;
mod ssl_get_does_not_verify;
mod strict_without_accept;
mod subject;
mod tcp_check_of_udp;
mod template_placeholder;
mod timeout_exceeds_delay_loop;
mod timeout_not_below_interval;
mod tutorial_default;
mod undefined_variable;
mod unprotected_unicast;
mod unused_script;
mod unused_tracker;
mod url_without_expectation;
mod vip_not_a_host;
mod vip_without_prefix;
mod weight;

use crate::diagnostic::Diagnostic;

pub(super) use pair::{Node, across};
pub(super) use subject::Subject;

/// The rules about a whole configuration.
const RULES: &[fn(&Subject) -> Vec<Diagnostic>] = &[
    address_in_two_instances::check,
    address_without_instance::check,
    alert_without_mail::check,
    broadcast_not_of_network::check,
    carriage_return::check,
    duplicate_peer::check,
    empty_configuration::check,
    first_vip_not_link_local::check,
    huge_weight::check,
    label_without_device::check,
    look_alike::check,
    merge_conflict::check,
    missing_port::check,
    missing_router_id::check,
    no_checker::check,
    owner_priority::check,
    password_without_type::check,
    pasted_text::check,
    peer_is_self::check,
    peer_is_vip::check,
    peer_with_prefix::check,
    peer_without_source::check,
    real_server_is_virtual::check,
    repeated_global::check,
    scripts_without_security::check,
    several_checkers::check,
    shared_password::check,
    sorry_server_is_real::check,
    source_outside_network::check,
    ssl_get_does_not_verify::check,
    strict_without_accept::check,
    tcp_check_of_udp::check,
    template_placeholder::check,
    timeout_exceeds_delay_loop::check,
    timeout_not_below_interval::check,
    tutorial_default::check,
    unprotected_unicast::check,
    unused_script::check,
    unused_tracker::check,
    url_without_expectation::check,
    vip_not_a_host::check,
    vip_without_prefix::check,
    weight::check,
];

/// The rules about single blocks.
const SCOPE_RULES: &[scope::ScopeRule] = &[
    comment_in_value::check,
    extra_words::check,
    flag_with_value::check,
    implausible_interface::check,
    repeated_keyword::check,
    script_line::check,
    undefined_variable::check,
];

/// What every rule has to say about one configuration.
pub(super) fn check(subject: &Subject) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = RULES.iter().flat_map(|rule| rule(subject)).collect();
    found.extend(scope::walk(subject.statements, subject.sources, SCOPE_RULES));
    found
}
