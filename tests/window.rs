//! The window as a person uses it: by the words on it, with mouse and keyboard, without a screen.

mod brushing;
mod columns;
mod commands;
mod compare;
mod data;
mod export;
mod eyes;
mod faults;
mod gap;
mod hands;
mod jobs;
mod layout;
mod narrowing;
mod needle;
mod pictures;
mod prepare;
mod reviews;
mod scores;
mod screen;
mod stage;
mod statistics;
mod synthesize;
mod viewer;
