"""What ResourceQuotas have used, counted anew: at first, when something goes, and now and then."""
