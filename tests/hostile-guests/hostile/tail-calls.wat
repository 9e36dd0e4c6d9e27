;; Calls for ever without a stack.
;; expect: load
;; declarations
(func $for-ever (return_call $for-ever))
