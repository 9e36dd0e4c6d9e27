;; Nine lists over everything there is.
;; expect: run
;; declarations
(data (i32.const 3072) "\00\00\00\00\00\00\01\00\00\24\f4\00\00\00\01\00\00\24\f4\00\00\00\01\00\00\24\f4\00\00\00\01\00\00\24\f4\00\00\00\01\00\00\24\f4\00\00\00\01\00\00\24\f4\00\00\00\01\00\00\24\f4\00\00\00\01\00\00\24\f4\00\00\00\01\00\00\24\f4\00")
(data (i32.const 8192) "")
;; body
(drop (memory.grow (i32.const 1000))) (call $drop (local.get 0)) (i32.const 3072)
