//! Rebuilds the program when a folder changes that goes along with it (`policy new`): the compiler sees changed files
//! only, not new ones.

fn main() {
    for folder in ["guest/src", "assemblyscript", "c", "go", "js", "python", "zig"] {
        println!("cargo:rerun-if-changed=../{folder}");
    }
}
