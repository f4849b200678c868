"""The garbage collector: what loses its last owner is deleted; foreground and orphaning deletion are carried out."""
