;; Asks for rows that are not there: gets none.
;; expect: answers
;; body
(call $class-cpu (local.get 0) (i32.const -1) (i32.const -1) (i32.const 512))(call $drop (local.get 0)) (i32.const 1024)
