//! Cycles with scripted eyes and hands: kill switch, crashes, stores that fail, replay.

mod aims;
mod control;
mod crashes;
mod lifecycle;
mod losses;
mod placing;
mod runs;
mod stage;
mod stores;
