;; Denies the removal of a node that is no candidate.
;; expect: run Nonsense candidate row 77
;; hook: disruption
;; declarations
(data (i32.const 3072) "\00\00\00\00\00\20\00\00\01\00\00\00\04\20\00\00\01\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
(data (i32.const 8192) "\4d\00\00\00\01\00\00\00")
;; body
(call $drop (local.get 0)) (i32.const 3072)
