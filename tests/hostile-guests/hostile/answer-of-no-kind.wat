;; Neither an answer nor an error.
;; expect: run Trap
;; body
(i32.store8 (i32.const 3072) (i32.const 7)) (call $drop (local.get 0)) (i32.const 3072)
