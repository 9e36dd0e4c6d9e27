;; Says what is not in its memory.
;; expect: run Trap
;; body
(call $log (i32.const 1) (i32.const 131000) (i32.const 1000000))(call $drop (local.get 0)) (i32.const 1024)
