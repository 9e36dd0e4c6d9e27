//! Rebuilds the program when a folder changes that goes along with it (`policy new`): the compiler sees changed files
//! only, not new ones.

fn main() {
    println!("cargo:rerun-if-changed=../guest/src");
}
