;; Keeps what is not in its memory.
;; expect: run Trap
;; body
(call $keep (i32.const 131000) (i32.const 65536))(call $drop (local.get 0)) (i32.const 1024)
