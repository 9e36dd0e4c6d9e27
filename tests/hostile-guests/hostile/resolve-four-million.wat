;; Asks for four million texts at once.
;; expect: run Resource syms in one call
;; body
(drop (memory.grow (i32.const 300)))
(call $resolve (local.get 0) (i32.const 65536) (i32.const 4000000) (i32.const 512))
(call $drop (local.get 0)) (i32.const 1024)
