//! The window as a person uses it: by the words on it, with mouse and keyboard, without a screen.

mod stage;
mod slow_model;
mod synthesize;
mod compare;
mod data;
