//! Do the pages show what is the visitor's, and nothing else? Over a real PostgreSQL, a pool of one connection, and the API as it is.

mod doors;
mod forms;
mod operating;
mod routes;
mod shape;
mod world;
