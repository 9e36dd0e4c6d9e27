;; Says a thousand lines that move the cursor.
;; expect: answers u{1b}[31mred 936 more lines were dropped
;; declarations
(data (i32.const 4096) "\1b[31mred\0a")
;; body
(local $n i32)
(loop $again
  (call $log (i32.const 2) (i32.const 4096) (i32.const 9))
  (local.set $n (i32.add (local.get $n) (i32.const 1)))
  (br_if $again (i32.lt_u (local.get $n) (i32.const 1000))))
(call $drop (local.get 0)) (i32.const 1024)
