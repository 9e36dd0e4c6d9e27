;; Asks for texts of syms that are not in its memory.
;; expect: run Trap
;; body
(call $resolve (local.get 0) (i32.const 65536) (i32.const -1) (i32.const 512))(call $drop (local.get 0)) (i32.const 1024)
