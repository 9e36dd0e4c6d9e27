;; Brings new words into the dictionary for ever.
;; expect: run Resource text in the dictionary
;; body
(local $n i32)
(loop $again
  (i32.store (i32.const 4096) (i32.and (local.get $n) (i32.const 0x7f7f7f7f)))
  (drop (call $intern (local.get 0) (i32.const 4096) (i32.const 4)))
  (local.set $n (i32.add (local.get $n) (i32.const 1)))
  (br $again))
(i32.const 1024)
