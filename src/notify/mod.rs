//! Which mail, script or FIFO line a transition causes. Pure.
