;; Asks for column after column by other keys.
;; expect: run Resource columns by key
;; body
(local $n i32)
(loop $again
  (i32.store8 (i32.const 4096) (i32.add (local.get $n) (i32.const 48)))
  (call $class-label (local.get 0) (i32.const 4096) (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 512))
  (local.set $n (i32.add (local.get $n) (i32.const 1)))
  (br $again))
(i32.const 1024)
