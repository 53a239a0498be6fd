//! Health checkers: what to probe, how to judge the answer, and when a real server is up. Pure.
