;; An answer that is not in its memory.
;; expect: run Trap
;; body
(call $drop (local.get 0)) (i32.const -64)
