//! Guest of the bench of the languages: takes rows as records with texts and answers a code for each. The dear way, for
//! comparison; no policy.

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "generated: what a component exports")]
mod guest {
    use exports::plimsoll::records::records::{Guest, Row};

    wit_bindgen::generate!({ path: "wit", world: "rich" });

    struct Records;

    impl Guest for Records {
        fn place(rows: Vec<Row>) -> Vec<u16> {
            let code = |(_, cpu, memory, pending, _): &Row| {
                u16::from(cpu.wrapping_add(*memory).wrapping_add(*pending) & 1 == 1)
            };
            rows.iter().map(code).collect()
        }
    }

    export!(Records);
}
