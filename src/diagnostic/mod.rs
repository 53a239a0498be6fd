//! What is wrong with a configuration, as a value, and its renderers.
