;; Cannot answer, and clears the screen.
;; expect: run Declined u{1b}[2J
;; declarations
(data (i32.const 3072) "\01\00\00\00\00\10\00\00\04\00\00\00")
(data (i32.const 4096) "\1b[2J")
;; body
(call $drop (local.get 0)) (i32.const 3072)
