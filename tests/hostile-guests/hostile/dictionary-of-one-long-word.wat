;; Brings one word of 2 MiB.
;; expect: run Resource text in the dictionary
;; body
(drop (memory.grow (i32.const 40)))
(drop (call $intern (local.get 0) (i32.const 65536) (i32.const 2097152)))(call $drop (local.get 0)) (i32.const 1024)
