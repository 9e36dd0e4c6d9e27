;; Wants page after page.
;; expect: run Resource memory
;; body
(loop $again (drop (memory.grow (i32.const 1))) (br $again)) (i32.const 1024)
