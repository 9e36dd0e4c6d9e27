;; Keeps one byte more than allowed.
;; expect: run Resource bytes of state
;; body
(call $keep (i32.const 0) (i32.const 65537))(call $drop (local.get 0)) (i32.const 1024)
