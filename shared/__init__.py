"""What two or more services need; never one service's business."""
