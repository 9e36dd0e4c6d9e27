;; Explains a row with marks that turn the direction of writing.
;; expect: answers u{202e}
;; declarations
(data (i32.const 4096) "a\e2\80\aebcd")
;; body
(call $explain (i32.const 1) (i32.const 1) (i32.const 4096) (i32.const 8))(call $drop (local.get 0)) (i32.const 1024)
